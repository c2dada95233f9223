/*
 * The contract between C and Lua (abi.h): answers of the admin side as gzip (RFC 1952).
 */
#ifndef NEAP_SCRIPT_ABI_GZIP_H
#define NEAP_SCRIPT_ABI_GZIP_H

#include <stddef.h>
#include <stdint.h>

/* cdef begin */

/* 1: a client whose Accept-Encoding says this takes gzip (RFC 9110 §12.5.3). */
uint32_t neap_gzip_is_taken(const char *value, size_t n);
/* 1: out has the text as gzip; 0: that would not be shorter, or there is no memory. */
uint32_t neap_gzip(const char *text, size_t n);

/* cdef end */

#endif
