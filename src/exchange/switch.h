/*
 * After 101: the two connections of an exchange become a tunnel (RFC 9110 §7.8). What both sides sent
 * already goes along.
 */
#ifndef NEAP_EXCHANGE_SWITCH_H
#define NEAP_EXCHANGE_SWITCH_H

#include "exchange/attempt.h"
#include "exchange/client.h"
#include "exchange/pump.h"

/* Memory for as many as there may be requests: plane.pumps. */
void switch_init(struct plane *p, uint32_t requests);

/* The tunnel, not begun yet; leg.in starts with the 101. NULL: no memory, the request is broken. */
struct pump *switch_to_pump(struct attempt *at, struct client *c);

/* Begins it, as pump_begin. */
enum pump_outcome switch_begin(struct pump *pump, struct attempt *at);

/* Is that the end of it? Then the request says how it ended. */
bool switch_is_over(const struct pump *pump, struct attempt *at, enum pump_outcome outcome);

/* Frees it. */
void switch_end(struct pump *pump);

#endif
