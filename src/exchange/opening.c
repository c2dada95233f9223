#include "exchange/opening.h"

#include "exchange/call.h"
#include "exchange/ids.h"
#include "exchange/view.h"
#include "exchange/witness.h"

void opening_begin(struct request *rq)
{
	uint16_t asks = rq->head.flags & (HTTP_CONN_UPGRADE | HTTP_UPGRADE_H2C);
	rq->asks_switch = asks == HTTP_CONN_UPGRADE;
	view_fill_request(rq);
	ids_on_begin(rq);
	witness_begin(rq);
	call_begin(rq);
}

void opening_refuse(struct request *rq)
{
	struct http_refusal *refusal = &rq->head.refusal;
	if (refusal->status == 0)
		*refusal = (struct http_refusal){ .status = 400, .reason = "malformed request" };
	call_begin_refused(rq);
	view_fill_refused(rq);
	request_own(rq, refusal->status, refusal->reason);
}
