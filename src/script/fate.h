/* What of chance the next decision of this process will meet: for those who record it. */
#ifndef NEAP_SCRIPT_FATE_H
#define NEAP_SCRIPT_FATE_H

#include <stdint.h>

/* The state of the dice. */
uint64_t fate_dice(void);

/* Where pool:least_loaded will begin to look. */
uint32_t fate_turn(void);

#endif
