/*
 * The certificate that neap made itself (tls.self_signed), with its key.
 */
#ifndef NEAP_SHM_ROW_SELF_SIGNED_H
#define NEAP_SHM_ROW_SELF_SIGNED_H

#include <stdatomic.h>
#include <stdint.h>

enum { BOARD_SELF_SIGNED_WORDS = 512 };

struct board_self_signed {
	_Atomic uint32_t n; /* bytes of the text; 0: there is none */
	_Atomic uint64_t words[BOARD_SELF_SIGNED_WORDS];
};

#endif
