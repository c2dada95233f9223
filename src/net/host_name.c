#include "net/host_name.h"

enum { LABEL_MAX = 63 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Underscores are no part of the grammar, and of many names. */
static bool is_allowed(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

static bool is_label(struct str label)
{
	if (label.n == 0 || label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++) {
		if (!is_allowed(label.p[i]))
			return false;
	}
	return true;
}

static bool is_number(struct str label)
{
	for (size_t i = 0; i < label.n; i++) {
		if (!is_digit(label.p[i]))
			return false;
	}
	return true;
}

static bool is_name(struct str name)
{
	struct str label = { NULL, 0 };
	while (str_split(&name, '.', &label)) {
		if (!is_label(label))
			return false;
	}
	return label.n > 0 && !is_number(label);
}

bool host_name_tidy(char *to, size_t size, struct str name)
{
	to[0] = '\0';
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0 || name.n >= size)
		return false;
	for (size_t i = 0; i < name.n; i++)
		to[i] = str_lower_char(name.p[i]);
	to[name.n] = '\0';
	if (is_name((struct str){ to, name.n }))
		return true;
	to[0] = '\0';
	return false;
}
