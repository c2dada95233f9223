/*
 * The heads of a backend's answers, as they come: a 1xx goes on, a 101 may make a tunnel, the final one is
 * shown to the hook `response`, held for `failed`, or passed on. Decides whether both connections can
 * go on after it.
 */
#ifndef NEAP_EXCHANGE_HEADS_H
#define NEAP_EXCHANGE_HEADS_H

#include "exchange/relay.h"

enum { HEADS_INTERIM_BYTES = 256 * 1024 }; /* 1xx answers of a backend to one request */

/* Before an answer is out: the leg has something to be read (or ended). */
enum relay_outcome heads_read(struct relay *r);

/* A head that came alone goes out without the body that did not follow in time. */
enum relay_outcome heads_alone(struct relay *r);

/* Sends the final answer whose head is at the start of leg.in; also a held one that is to pass. */
enum relay_outcome heads_begin(struct relay *r);

/* `response` has ended, after a wait: sends that answer. */
enum relay_outcome heads_go_on(struct relay *r);

/* Another attempt: what is left of this one's answer is dropped. */
void heads_begin_again(struct relay *r);

#endif
