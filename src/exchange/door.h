/*
 * The way from a hook to the body of its request (script/body_door.h), for exchanges.
 */
#ifndef NEAP_EXCHANGE_DOOR_H
#define NEAP_EXCHANGE_DOOR_H

#include "script/body_door.h"

extern const struct body_door door_to_body;

#endif
