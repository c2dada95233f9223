#include "exchange/phase.h"

enum upload_use phase_upload_use(enum exchange_state state)
{
	static const uint8_t uses[] = {
		[EX_SEND] = UPLOAD_SENDS,    [EX_WAIT] = UPLOAD_SENT,
		[EX_RELAY] = UPLOAD_TRAILS,  [EX_GATHER] = UPLOAD_TRAILS,
		[EX_ANSWER] = UPLOAD_TRAILS, [EX_REST] = UPLOAD_TRAILS,
		[EX_END] = UPLOAD_GATHERS,
	};
	return (enum upload_use)uses[state];
}

enum awaited phase_awaited(enum exchange_state state, const struct relay *r)
{
	switch (state) {
	case EX_WAIT: /* a head that came alone has a deadline of its own */
		return r->answer == ANSWER_ALONE ? AWAITED_NOBODY : AWAITED_ANSWER;
	case EX_SEND:
	case EX_REST:
		return deadline_awaited(r->at);
	default:
		return AWAITED_NOBODY;
	}
}

enum neap_stage phase_stage(enum exchange_state state)
{
	return state == EX_CONNECT ? NEAP_STAGE_CONNECT
	       : state == EX_SEND  ? NEAP_STAGE_SEND
				   : NEAP_STAGE_WAIT;
}

bool phase_may_be_beaten(enum exchange_state state)
{
	static const bool may[EX_END + 1] = {
		[EX_PARKED] = true, [EX_TAKE] = true,	[EX_CONNECT] = true, [EX_SEND] = true,
		[EX_WAIT] = true,   [EX_FAILED] = true, [EX_HEDGED] = true,
	};
	return may[state];
}

/* An answer of our own stays one. */
enum exchange_state phase_after_relay(enum exchange_state state, enum relay_outcome outcome)
{
	static const uint8_t next[] = {
		[RELAY_ANSWERS] = EX_RELAY,  [RELAY_OVER] = EX_END,
		[RELAY_LEFT] = EX_END,	     [RELAY_REST] = EX_REST,
		[RELAY_HELD] = EX_FAILED,    [RELAY_FAILED] = EX_FAILED,
		[RELAY_STALE] = EX_TAKE,     [RELAY_SWITCHES] = EX_SWITCH,
		[RELAY_GATHERS] = EX_GATHER, [RELAY_WON] = EX_WON,
	};
	bool stays = outcome == RELAY_WAITS || (outcome == RELAY_ANSWERS && state == EX_ANSWER);
	return stays ? state : (enum exchange_state)next[outcome];
}
