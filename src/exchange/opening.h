/*
 * The head of a request is there: what is told of it before any hook is asked.
 */
#ifndef NEAP_EXCHANGE_OPENING_H
#define NEAP_EXCHANGE_OPENING_H

#include "exchange/request.h"

/* It is parsed: fills the view, gives it its ids, tells those who watch, begins its deadlines. */
void opening_begin(struct request *rq);

/* It was refused, or never came: head.refusal, made a 400 where it does not say why. */
void opening_refuse(struct request *rq);

#endif
