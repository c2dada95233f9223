/*
 * Exchanges with the second row of each kind: a client that records, and a leg over memory. So the
 * interfaces are those of a request and its answer, and not only those of HTTP/1.
 */
#include "exchange_stage.h"

#include "base/log.h"

static struct stage stage; /* large */

int main(void)
{
	struct error e;

	if (!check(log_open("/dev/null", LOG_LEVEL_ERROR, &e) == ERR_OK, "a log"))
		return check_report();
	if (stage_open(&stage)) {
		exchange_answer_tests(&stage);
		exchange_port_tests(&stage);
		exchange_relay_tests(&stage);
		exchange_retry_tests(&stage);
		exchange_upload_tests(&stage);
		stage_close(&stage);
	}
	return check_report();
}
