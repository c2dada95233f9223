#include "http/accept_encoding.h"

#include <stdbool.h>

enum { DIGITS = 3, WHOLE = 1000 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 9110 §12.4.2: "0" or "1", and at most three digits after a point. -1: it is none. */
static int weight_of(struct str s)
{
	if (s.n == 0 || s.n > 2 + DIGITS || (s.p[0] != '0' && s.p[0] != '1') ||
	    (s.n > 1 && s.p[1] != '.'))
		return -1;
	int weight = (s.p[0] - '0') * WHOLE, worth = WHOLE;
	for (size_t i = 2; i < s.n; i++) {
		if (!is_digit(s.p[i]))
			return -1;
		worth /= 10;
		weight += (s.p[i] - '0') * worth;
	}
	return weight <= WHOLE ? weight : -1;
}

/* Of the parameters after a coding: only `q` means anything. */
static int read_weight(struct str parameters)
{
	struct str one;
	int weight = WHOLE;
	while (str_split(&parameters, ';', &one)) {
		one = str_trim(one);
		if (one.n >= 2 && str_lower_char(one.p[0]) == 'q' && one.p[1] == '=')
			weight = weight_of((struct str){ one.p + 2, one.n - 2 });
	}
	return weight;
}

static bool is_named(struct str name, struct str coding)
{
	return str_eq_nocase(name, coding) ||
	       (str_eq(coding, STR("gzip")) && str_eq_nocase(name, STR("x-gzip")));
}

void accept_encoding_read(struct accept_weights *w, struct str value, struct str coding)
{
	struct str item, name;
	while (str_split(&value, ',', &item)) {
		name = item;
		(void)str_split(&item, ';', &name);
		name = str_trim(name);
		bool is_own = is_named(name, coding);
		int weight = is_own || str_eq(name, STR("*")) ? read_weight(item) : -1;
		if (weight >= 0)
			*(is_own ? &w->own : &w->other) = weight;
	}
}

int accept_encoding_weight(const struct accept_weights *w)
{
	return w->own >= 0 ? w->own : w->other;
}
