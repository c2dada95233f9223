#include "exchange/door.h"

#include "exchange/gather.h"
#include "exchange/parts.h"
#include "exchange/route.h"

static struct exchange *of_view(const struct neap_request *view)
{
	return container_of((struct neap_request *)(uintptr_t)view, struct exchange, rq.view);
}

static enum neap_body_state look(struct neap_request *view, uint32_t max)
{
	return gather_look(&of_view(view)->at, max);
}

static void gather(struct neap_request *view, uint32_t max)
{
	gather_begin(&of_view(view)->at, of_view(view)->client, max);
}

static uint32_t most(const struct neap_request *view)
{
	return of_view(view)->rq.service->conf->limits.hook_body_bytes;
}

static int pieces(const struct neap_request *view, struct iovec iov[2], bool *is_coded)
{
	const struct body *body = &of_view(view)->body;
	*is_coded = body->form == BODY_CODED;
	return body_pieces(body, iov);
}

static enum neap_body_set set(struct neap_request *view, const char *bytes, uint32_t n)
{
	return gather_replace(&of_view(view)->at, bytes, n);
}

const struct body_door door_to_body = {
	.look = look,
	.gather = gather,
	.most = most,
	.pieces = pieces,
	.set = set,
	.settle = route_settle,
};
