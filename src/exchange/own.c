#include "exchange/own.h"

#include "exchange/compress.h"
#include "exchange/reply.h"
#include "http/edits.h"
#include "script/hook.h"

/*
 * A body that was not read to its end cannot be told from the next request: the connection ends
 * here.
 */
static void decide_keep(struct relay *r)
{
	if (!r->at->body->is_complete || r->rq->head.refusal.status != 0)
		r->client->keep = false;
}

/* Calls have their form of an error, whatever a policy would say. */
static bool has_words(struct request *rq)
{
	return likely(!rq->is_grpc && rq->role == REQUEST_OWN) &&
	       hook_error(rq->service->hooks, &rq->view, rq->own.status, rq->own.reason);
}

enum relay_outcome own_send_error(struct relay *r)
{
	struct str body, head = STR("");
	reply_count(r->rq);
	relay_drop_squeeze(r);
	decide_keep(r);
	if (has_words(r->rq))
		head = reply_words(r->rq, r->client->keep, &body);
	if (unlikely(head.n > 0))
		return relay_script(r, head, body);
	head = reply_error(r->rq, r->client->keep, &body);
	return relay_reply(r, head, body);
}

enum relay_outcome own_send_script(struct relay *r)
{
	struct str body;
	struct edits *edits = NULL;
	decide_keep(r);
	if (unlikely(r->rq->service->conf->compress.codings_n > 0))
		edits = compress_reply(r);
	struct reply_changes changes = { edits, r->varies, r->squeeze != NULL, r->client->form };
	struct str head = reply_script(r->rq, r->client->keep, &changes, &body);
	edits_free(edits);
	if (head.n > 0)
		return relay_script(r, head, body);
	request_own(r->rq, 503, "the policy's answer has too many headers");
	return RELAY_REFUSED;
}
