#include "script/log_line.h"

#include <stdlib.h>
#include <string.h>

void log_line_init(struct log_line *l)
{
	*l = (struct log_line){ .answer = LOG_LINE_UNKNOWN };
}

void log_line_fini(struct log_line *l)
{
	free(l->text);
}

bool log_line_set(struct log_line *l, struct str text)
{
	if (text.n > l->room) {
		char *bigger = realloc(l->text, text.n);
		if (bigger == NULL)
			return false;
		l->text = bigger;
		l->room = text.n;
	}
	if (text.n > 0)
		memcpy(l->text, text.p, text.n);
	l->n = text.n;
	l->answer = text.p != NULL ? LOG_LINE_TEXT : LOG_LINE_NONE;
	return true;
}
