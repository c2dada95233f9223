#include "http/grpc.h"

#include "base/num.h"

bool grpc_is_type(struct str content_type)
{
	struct str wanted = STR("application/grpc");
	if (content_type.n < wanted.n ||
	    !str_eq_nocase((struct str){ content_type.p, wanted.n }, wanted))
		return false;
	if (content_type.n == wanted.n)
		return true;
	char next = content_type.p[wanted.n];
	return next == '+' || next == ';' || next == ' ' || next == '\t';
}

int grpc_status_of(struct str value)
{
	bool is_short = value.n == 1 || (value.n == 2 && value.p[0] != '0');
	unsigned number = 0;
	for (size_t i = 0; is_short && i < value.n; i++) {
		unsigned digit = (unsigned char)value.p[i] - (unsigned)'0';
		number = digit <= 9 ? number * 10 + digit : GRPC_STATUSES;
	}
	return is_short && number < GRPC_STATUSES ? (int)number : GRPC_UNKNOWN;
}

const char *grpc_word(int status)
{
	static const char *const words[GRPC_STATUSES] = {
		[GRPC_OK] = "OK",
		[GRPC_CANCELLED] = "CANCELLED",
		[GRPC_UNKNOWN] = "UNKNOWN",
		[GRPC_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
		[GRPC_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
		[GRPC_NOT_FOUND] = "NOT_FOUND",
		[GRPC_ALREADY_EXISTS] = "ALREADY_EXISTS",
		[GRPC_PERMISSION_DENIED] = "PERMISSION_DENIED",
		[GRPC_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
		[GRPC_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
		[GRPC_ABORTED] = "ABORTED",
		[GRPC_OUT_OF_RANGE] = "OUT_OF_RANGE",
		[GRPC_UNIMPLEMENTED] = "UNIMPLEMENTED",
		[GRPC_INTERNAL] = "INTERNAL",
		[GRPC_UNAVAILABLE] = "UNAVAILABLE",
		[GRPC_DATA_LOSS] = "DATA_LOSS",
		[GRPC_UNAUTHENTICATED] = "UNAUTHENTICATED",
	};
	return status >= 0 && status < GRPC_STATUSES ? words[status] : "?";
}

/*
 * As the project's mapping has it, and beyond: it knows what proxies answer, and calls what is a
 * limit or a deadline of ours UNAVAILABLE or UNKNOWN.
 */
int grpc_of_http(uint16_t status)
{
	switch (status) {
	case 400:
	case 417:
		return GRPC_INTERNAL;
	case 401:
		return GRPC_UNAUTHENTICATED;
	case 403:
		return GRPC_PERMISSION_DENIED;
	case 404:
	case 405:
	case 501:
	case 505:
		return GRPC_UNIMPLEMENTED;
	case 408:
	case 504:
		return GRPC_DEADLINE_EXCEEDED;
	case 413:
	case 414:
	case 429:
	case 431:
		return GRPC_RESOURCE_EXHAUSTED;
	case 499:
		return GRPC_CANCELLED;
	case 502:
	case 503:
		return GRPC_UNAVAILABLE;
	default:
		return GRPC_UNKNOWN;
	}
}

/* ---- the client's time ---- */

static const struct unit {
	char letter;
	uint64_t ns;
} units[] = {
	{ 'n', 1 },	     { 'u', 1000 },	      { 'm', 1000000 },
	{ 'S', 1000000000 }, { 'M', 60000000000ULL }, { 'H', 3600000000000ULL },
};

static const struct unit *unit_of(char letter)
{
	for (size_t i = 0; i < countof(units); i++) {
		if (units[i].letter == letter)
			return &units[i];
	}
	return NULL;
}

bool grpc_timeout_of(struct str value, uint64_t *us)
{
	if (value.n < 2 || value.n > GRPC_TIMEOUT_BYTES)
		return false;
	const struct unit *unit = unit_of(value.p[value.n - 1]);
	uint64_t number = 0;
	for (size_t i = 0; i < value.n - 1; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(value.p[i] - '0');
	}
	if (unit == NULL)
		return false;
	/* 99999999 hours are more nanoseconds than fit, but not more microseconds */
	*us = unit->ns >= 1000 ? number * (unit->ns / 1000) : (number + 999) / 1000;
	return true;
}

size_t grpc_write_timeout(char to[GRPC_TIMEOUT_BYTES], uint64_t us)
{
	const uint64_t most = 99999999;
	const struct unit *unit = &units[1];
	char digits[20];
	while (us / (unit->ns / 1000) > most && unit < &units[countof(units) - 1])
		unit++;
	uint64_t number = us / (unit->ns / 1000);
	size_t n = num_write_u64(digits, number < most ? number : most);
	memcpy(to, digits, n);
	to[n] = unit->letter;
	return n + 1;
}

/* ---- messages ---- */

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~' && c != '%';
}

void grpc_write_message(struct out *o, struct str text)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < text.n && i < GRPC_MESSAGE_MAX; i++) {
		unsigned char c = (unsigned char)text.p[i];
		char coded[3] = { '%', digits[c >> 4], digits[c & 15] };
		out_str(o, is_plain(text.p[i]) ? (struct str){ text.p + i, 1 }
					       : (struct str){ coded, 3 });
	}
}
