/*
 * The states of an exchange, and what each means for its parts: who is waited for, what use the
 * request's body has, what a deadline blames. Functions of the state alone; only exchange.c sets it.
 */
#ifndef NEAP_EXCHANGE_PHASE_H
#define NEAP_EXCHANGE_PHASE_H

#include "exchange/deadline.h"
#include "exchange/relay.h"
#include "exchange/upload.h"

enum exchange_state {
	EX_HEAD,    /* the request's head is being read */
	EX_DECIDE,  /* hooks: request, backends, pick */
	EX_PICK,    /* hooks: pick, for another attempt */
	EX_PARKED,  /* a hook waits */
	EX_QUEUED,  /* no backend has a free slot */
	EX_TAKE,    /* a backend is chosen: get a connection */
	EX_CONNECT, /* dialling, or waiting for its turn to */
	EX_SEND,    /* the request goes out; an answer may come early */
	EX_WAIT,    /* the request is out, no final answer yet */
	EX_GATHER,  /* the hook `response` waits for the answer's body */
	EX_RELAY,   /* the answer goes to the client */
	EX_ANSWER,  /* an answer of our own goes to the client */
	EX_REST,    /* the answer is out, the backend still takes the rest of the request */
	EX_SWITCH,  /* 101 came: the connections become a tunnel */
	EX_TUNNEL,  /* they are one */
	EX_FAILED,  /* the attempt failed: another one, or an answer */
	EX_HEDGED,  /* that is decided, but a rival may still win */
	EX_WON,	    /* a rival: its answer is the other exchange's */
	EX_END,
};

/* What use the request's body has now. */
enum upload_use phase_upload_use(enum exchange_state state);

/* Who is to do something next. */
enum awaited phase_awaited(enum exchange_state state, const struct relay *r);

/* In which stage an attempt is, for its failure. */
enum neap_stage phase_stage(enum exchange_state state);

/* The state that follows from what the relay did; `state` itself: nothing changes. */
enum exchange_state phase_after_relay(enum exchange_state state, enum relay_outcome outcome);

/* It has no answer yet: a rival may win it. */
bool phase_may_be_beaten(enum exchange_state state);

/* A hook waits. */
static inline bool phase_waits(enum exchange_state state)
{
	return state == EX_PARKED || state == EX_GATHER;
}

/* Bytes of an answer may be on their way to the client. */
static inline bool phase_is_answering(enum exchange_state state)
{
	return state == EX_RELAY || state == EX_ANSWER;
}

/* An answer is there, and the backend may take more of the request beside it. */
static inline bool phase_takes_rest(enum exchange_state state)
{
	return phase_is_answering(state) || state == EX_GATHER;
}

#endif
