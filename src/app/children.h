/*
 * What the master's children run. The master is handed this, and knows nothing else of this room.
 */
#ifndef NEAP_APP_CHILDREN_H
#define NEAP_APP_CHILDREN_H

#include "fleet/generation.h"

extern const struct generation_mains children_mains;

#endif
