/* What of the http room needs calls with structs and functions, which FFI cannot make. */
#include "http_test.h"

#include "check.h"

int main(void)
{
	test_h2_fields();
	test_h2_lines();
	test_h2_session();
	test_h2_abuse();
	test_h2_arena();
	return check_report();
}
