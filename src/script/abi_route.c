/* Limits, deadlines and retries that hooks set for one request. */
#include "script/abi_route.h"

#include <stdlib.h>

#include "script/abi_body.h"
#include "script/body_door.h"
#include "script/entry.h"
#include "script/policies.h"

/* What has no body to send is not sent. */
NEAP_API uint32_t neap_route_is_known(const neap_request *r)
{
	return neap_body_is_known(r, NEAP_BODY_OF_REQUEST);
}

NEAP_API neap_route *neap_route_of(neap_request *r)
{
	if (r->route == NULL)
		r->route = calloc(1, sizeof(neap_route));
	return r->route;
}

NEAP_API void neap_route_settle(neap_request *r)
{
	const struct body_door *door = r->body_door;
	if (door == NULL)
		return;
	door->settle(r);
	entry_look_at_deadline(policies_current()->cos.running);
}
