/* Regular expressions for Lua. A neap_regex is a struct regex. */
#include "script/abi_regex.h"

#include "base/cc.h"
#include "text/regex.h"

NEAP_API neap_regex *neap_regex_create(const char *pattern, size_t n, uint32_t flags, char *why)
{
	return (neap_regex *)regex_create(pattern, n, flags, why);
}

NEAP_API void neap_regex_destroy(neap_regex *r)
{
	regex_destroy((struct regex *)r);
}

NEAP_API uint32_t neap_regex_groups(const neap_regex *r)
{
	return regex_groups((const struct regex *)r);
}

NEAP_API uint32_t neap_regex_name(const neap_regex *r, uint32_t at, const char **name)
{
	return regex_name((const struct regex *)r, at, name);
}

NEAP_API int32_t neap_regex_match(neap_regex *r, const char *text, size_t n, size_t start,
				  uint32_t how, const size_t **places)
{
	return regex_match((struct regex *)r, text, n, start, how, places);
}
