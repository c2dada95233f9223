/*
 * Text in UTF-8 (RFC 3629).
 */
#ifndef NEAP_BASE_UTF8_H
#define NEAP_BASE_UTF8_H

#include <stddef.h>

/*
 * How many bytes the character at text has, of the left > 0 that are there. 0: no character that may
 * be shown begins there: controls (C1 too: on many terminals they start commands; and those that
 * change the direction of text or end its line) and what is no UTF-8 (§4).
 */
size_t utf8_printable(const char *text, size_t left);

#endif
