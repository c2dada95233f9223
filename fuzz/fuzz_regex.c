/*
 * Patterns and texts of neap.regex: byte 0 has the flags, byte 1 how the match begins, byte 2 the
 * pattern's length. Whatever they are, there is an error with words, or places within the text.
 */
#include "fuzz.h"
#include "text/regex.h"

static void check_places(const size_t *places, int32_t pairs, size_t n)
{
	for (int32_t i = 0; i < pairs; i++) {
		size_t from = places[2 * i], to = places[2 * i + 1];
		must(from == SIZE_MAX ? to == SIZE_MAX : to <= n && from <= n);
	}
}

static void check_names(const struct regex *r)
{
	const char *name;
	for (uint32_t at = 0;; at++) {
		uint32_t group = regex_name(r, at, &name);
		if (group == 0)
			return;
		must(group <= regex_groups(r) && name[0] != '\0');
	}
}

static void match_all(struct regex *r, const char *text, size_t n, uint32_t how)
{
	const size_t *places;
	for (size_t start = 0; start <= n; start += 1 + n / 4) {
		int32_t pairs = regex_match(r, text, n, start, how, &places);
		must(pairs >= REGEX_FAILED && pairs <= REGEX_GROUPS_MAX + 1);
		check_places(places, pairs, n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { FIRST = 3, SIZE_MOST = 4096 };
	char why[REGEX_WHY_MAX] = "";
	if (size < FIRST || size > SIZE_MOST)
		return -1;
	size_t pattern_n = data[2] < size - FIRST ? data[2] : size - FIRST;
	size_t text_n = size - FIRST - pattern_n;
	char *pattern = exact(data + FIRST, pattern_n);
	char *text = exact(data + FIRST + pattern_n, text_n);
	struct regex *r = regex_create(pattern, pattern_n, data[0] & 31U, why);

	must(r != NULL || (why[0] != '\0' && memchr(why, '\0', sizeof(why)) != NULL));
	if (r != NULL) {
		check_names(r);
		match_all(r, text, text_n, data[1] & 3U);
	}
	regex_destroy(r);
	free(text);
	free(pattern);
	return 0;
}
