/*
 * Whether an answer is compressed on its way (`compress` of its service), and what its head says then.
 * Looked at when the hooks have had their say. Not twice, not where `no-transform` or a digest forbids
 * it, not what has no body, is a part of one, or is a gRPC call's (RFC 9110 §8.4, §12.5.3).
 */
#ifndef NEAP_EXCHANGE_COMPRESS_H
#define NEAP_EXCHANGE_COMPRESS_H

#include "exchange/relay.h"

/*
 * A backend's answer, before its head is written: r->squeeze, r->varies and r->view.edits. false: there
 * is no memory for an answer that a hook has seen, and that has to be framed anew.
 */
bool compress_answer(struct relay *r);

/*
 * The answer of a policy (rq->view.reply): r->squeeze and r->varies. What is changed in its head, for
 * the caller to free; NULL: nothing.
 */
struct edits *compress_reply(struct relay *r);

#endif
