#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Through a second buffer, since E's own text may be one of the values. */
static void write_text(struct error *e, enum err code, int sys, const char *format, va_list values)
{
	char text[sizeof(e->text)] = "";

	(void)vsnprintf(text, sizeof(text), format, values); /* cut is fine */
	if (sys != 0) {
		size_t n = strlen(text);
		(void)snprintf(text + n, sizeof(text) - n, ": %s", strerror(sys));
	}
	e->code = code;
	memcpy(e->text, text, sizeof(text));
}

enum err err_set(struct error *e, enum err code, const char *format, ...)
{
	if (e == NULL)
		return code;
	va_list values;
	va_start(values, format);
	write_text(e, code, 0, format, values);
	va_end(values);
	return code;
}

enum err err_sys(struct error *e, int sys, const char *format, ...)
{
	if (e == NULL)
		return ERR_SYSTEM;
	va_list values;
	va_start(values, format);
	write_text(e, ERR_SYSTEM, sys, format, values);
	va_end(values);
	return ERR_SYSTEM;
}

const char *err_name(enum err code)
{
	static const char *const names[] = {
		[ERR_OK] = "ok",       [ERR_MEMORY] = "memory", [ERR_INVALID] = "invalid",
		[ERR_LIMIT] = "limit", [ERR_SYSTEM] = "system", [ERR_SCRIPT] = "script",
		[ERR_GONE] = "gone",
	};

	return (size_t)code < countof(names) ? names[code] : "unknown";
}
