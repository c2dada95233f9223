#include "check.h"

#include <stdio.h>

static const char *current = "";
static unsigned passed, failed;

void check_case(const char *name)
{
	current = name;
}

bool check(bool holds, const char *what)
{
	if (holds) {
		passed++;
	} else {
		failed++;
		printf("FAILED %s: %s\n", current, what);
	}
	return holds;
}

int check_report(void)
{
	printf("%u checks passed, %u failed\n", passed, failed);
	(void)fflush(stdout); /* a sanitizer may end the program without */
	return failed == 0 && passed > 0 ? 0 : 1;
}
