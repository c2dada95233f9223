/* Legs over streams that the test has in its hand. */
#include <stdio.h>

#include "upstream_support.h"

int main(void)
{
	struct error e;
	struct loop l;

	check_case("loop_init");
	if (!check(loop_init(&l, &e) == ERR_OK, "a loop")) {
		printf("%s\n", e.text);
		return check_report();
	}
	upstream_h1_leg_tests(&l);
	loop_fini(&l);
	return check_report();
}
