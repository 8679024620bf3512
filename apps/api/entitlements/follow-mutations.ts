import type { ApolloServerPlugin, GraphQLRequestListener } from '@apollo/server';
import { Plugin } from '@nestjs/apollo';
import { EntitlementsService } from '@tare/entitlements';
import { Kind, OperationTypeNode, type OperationDefinitionNode } from 'graphql';
import { principalOf, type AuthenticatedRequest } from '../auth/current-principal.ts';

interface RequestContext {
  readonly request: AuthenticatedRequest;
}

/** What these change is told by customer: by usage's announcements (`FollowCommits`), or by their resolver. */
const ANNOUNCED = new Set([
  'ingestEvents',
  'voidEvents',
  'amendEvents',
  'debitCredits',
  'reverseDebit',
  'reserveCredits',
  'commitReservation',
  'releaseReservation',
]);

/** Whatever a mutation changed, a subscription, a cap or credits: who asks after its answer sees it. */
@Plugin()
export class FollowMutations implements ApolloServerPlugin<RequestContext> {
  constructor(private readonly entitlements: EntitlementsService) {}

  requestDidStart(): Promise<GraphQLRequestListener<RequestContext>> {
    return Promise.resolve({
      willSendResponse: ({ operation, contextValue: { request } }): Promise<void> => {
        if (operation?.operation === OperationTypeNode.MUTATION && request.principal !== undefined && changesMore(operation)) {
          this.entitlements.changed(principalOf(request).tenantId);
        }
        return Promise.resolve();
      },
    });
  }
}

function changesMore({ selectionSet }: OperationDefinitionNode): boolean {
  return selectionSet.selections.some((selection) => selection.kind !== Kind.FIELD || !ANNOUNCED.has(selection.name.value));
}
