/*
 * The leg of HTTP/1: a connection of its own for as long as the exchange lasts.
 */
#ifndef NEAP_UPSTREAM_H1_LEG_H
#define NEAP_UPSTREAM_H1_LEG_H

#include "upstream/leg.h"

/* The connection stands, or was taken from the pool: it is the leg's until leg_end. */
void h1_leg_open(struct leg *leg, struct uconn *u);

#endif
