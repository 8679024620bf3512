import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { allows, type ApiKeyScope, type Principal } from '@tare/access';
import { CodedError } from '@tare/core';
import { principalOf, requestOf } from './current-principal.ts';
import { PUBLIC_ROUTE, REQUIRED_SCOPE } from './require-scope.ts';

/** Stands before every operation and route: no key, no entry; and the key must have the scope. What says no scope needs ADMIN. */
@Injectable()
export class ScopeGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const places = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC_ROUTE, places)) return true;
    const needed = this.reflector.getAllAndOverride<ApiKeyScope | undefined>(REQUIRED_SCOPE, places) ?? 'ADMIN';
    demandScope(principalOf(requestOf(context)), needed);
    return true;
  }
}

/** @throws CodedError FORBIDDEN */
export function demandScope({ scopes }: Pick<Principal, 'scopes'>, needed: ApiKeyScope): void {
  if (allows(scopes, needed)) return;
  throw new CodedError('FORBIDDEN', `This needs a key with the scope ${needed}; this one has ${scopes.join(', ')}.`);
}
