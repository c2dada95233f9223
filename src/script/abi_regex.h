/*
 * The contract between C and Lua (abi.h): regular expressions. Each is the function of text/regex.h
 * of that name.
 */
#ifndef NEAP_SCRIPT_ABI_REGEX_H
#define NEAP_SCRIPT_ABI_REGEX_H

#include <stddef.h>
#include <stdint.h>

/* cdef begin */

typedef struct neap_regex neap_regex;

neap_regex *neap_regex_create(const char *pattern, size_t n, uint32_t flags, char *why);
void neap_regex_destroy(neap_regex *r);
uint32_t neap_regex_groups(const neap_regex *r);
uint32_t neap_regex_name(const neap_regex *r, uint32_t at, const char **name);
int32_t neap_regex_match(neap_regex *r, const char *text, size_t n, size_t start, uint32_t how,
			 const size_t **places);

/* cdef end */

#endif
