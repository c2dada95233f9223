/*
 * The deadline of what an exchange waits for is over: what came of it. What follows from that is the
 * machine's business.
 */
#ifndef NEAP_EXCHANGE_OVERDUE_H
#define NEAP_EXCHANGE_OVERDUE_H

#include "exchange/parts.h"

enum overdue_what {
	OVERDUE_NOTHING,
	OVERDUE_CHOICE,
	OVERDUE_ATTEMPT,
	OVERDUE_RELAY,
	OVERDUE_OWN, /* neap answers itself: rq->own */
	OVERDUE_END, /* it is over: rq->reason */
};

struct overdue {
	enum overdue_what what;
	union {
		enum choice choice;
		enum attempt_outcome attempt;
		enum relay_outcome relay;
	};
};

/* rq.timer came due. */
struct overdue overdue_look(struct exchange *ex);

#endif
