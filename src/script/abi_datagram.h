/*
 * The contract between C and Lua (abi.h): a datagram as the hook `key` sees it.
 */
#ifndef NEAP_SCRIPT_ABI_DATAGRAM_H
#define NEAP_SCRIPT_ABI_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>

/* cdef begin */

typedef struct neap_datagram {
	const char *bytes;
	uint32_t n;
	uint32_t key_n; /* script: of the key; 0: none */
	uint32_t
		is_narrow; /* script: clients have keys of their own, so that nobody has another's */
	char key[256];	   /* script */
} neap_datagram;

/*
 * What net/datagram_key.h finds in these bytes: `kind` is an enum datagram_key, `to` has room for
 * DATAGRAM_KEY_MAX. Its length; 0: nothing.
 */
uint32_t neap_datagram_key(uint32_t kind, uint32_t length, const char *bytes, size_t n, char *to);

/* cdef end */

#endif
