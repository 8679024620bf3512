import { SetMetadata, type CustomDecorator } from '@nestjs/common';
import type { ApiKeyScope } from '@tare/access';

export const REQUIRED_SCOPE = 'tare:required-scope';
export const PUBLIC_ROUTE = 'tare:public-route';

/** The scope that an operation or route needs. One without it needs ADMIN. */
export const RequireScope = (scope: ApiKeyScope): CustomDecorator => SetMetadata(REQUIRED_SCOPE, scope);

/** For REST routes that need no key: they check who is calling in their own way, or tell nothing. See also `isPublicRoute`. */
export const PublicRoute = (): CustomDecorator => SetMetadata(PUBLIC_ROUTE, true);
