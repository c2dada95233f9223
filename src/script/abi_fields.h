/*
 * The contract between C and Lua (abi.h): the fields of a head, one after the other.
 */
#ifndef NEAP_SCRIPT_ABI_FIELDS_H
#define NEAP_SCRIPT_ABI_FIELDS_H

#include <stdint.h>

#include "script/abi.h"

/* cdef begin */

typedef struct neap_field {
	const char *name, *value;
	uint32_t name_n, value_n;
} neap_field;

/*
 * The first field from place `at` on, with the changes that scripts made, and the place after it; 0:
 * there is no further one. Begin with 0. Texts are valid until the next change.
 */
uint32_t neap_request_field(const neap_request *r, uint32_t at, neap_field *to);
uint32_t neap_response_field(const neap_response *r, uint32_t at, neap_field *to);

/* cdef end */

#endif
