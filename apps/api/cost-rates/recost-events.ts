import { Injectable } from '@nestjs/common';
import { RecostingService } from '@tare/costs';
import { log } from '../log.ts';

/** After the cost book has learned something: brings stored events up to it at once. */
@Injectable()
export class RecostEvents {
  constructor(private readonly recosting: RecostingService) {}

  /** What was learned is committed, and so is the task to use it: when this fails, the worker's sweep does it later. */
  async of(tenantId: string): Promise<void> {
    try {
      await this.recosting.run(tenantId);
    } catch (error) {
      log('error', 'events were not costed again; the next sweep will', { tenantId, error: String(error) });
    }
  }
}
