/*
 * Shadow policies: a policy whose answer is only compared. It is asked about a request that is on its
 * way already, and changes nothing.
 */
#ifndef NEAP_SCRIPT_SHADOW_H
#define NEAP_SCRIPT_SHADOW_H

#include "script/abi.h"

struct hooks;

/*
 * Asks the shadow of pool copy->pool about a request. *copy is a copy of the request's view, and
 * all that is written to; its slot is the backend where the request is in flight. PICKED: slot and
 * epoch are the shadow's choice. When half of Lua's memory is in use, this process asks shadows no
 * more.
 */
enum hook_shadow { SHADOW_PICKED, SHADOW_NONE, SHADOW_ERRED, SHADOW_LEFT_OUT };
enum hook_shadow hook_shadow(struct hooks *h, struct neap_request *copy);

#endif
