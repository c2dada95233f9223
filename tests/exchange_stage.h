/*
 * What the tests of the exchange room share: a data plane as a worker has it, from a small config, on
 * a board of its own. Its pool has two backends. Connections to them stand, but nobody answers there:
 * what a backend says comes from a leg over memory (exchange_leg.h).
 *
 * The config's policy answers /own itself, and leaves all else to the defaults.
 */
#ifndef NEAP_TESTS_EXCHANGE_STAGE_H
#define NEAP_TESTS_EXCHANGE_STAGE_H

#include "check.h"
#include "exchange/plane.h"
#include "exchange/service.h"

/* Bytes of a head in the tests; fields of a request and its answer, as the config allows them. */
enum { STAGE_HEAD_BYTES = 4096, STAGE_FIELDS = 600 };

struct stage {
	/* What a worker's process has. */
	struct loop loop;
	struct timers timers;
	struct board *board;
	struct bundle *bundle;
	struct policies *policies;
	struct conf conf;
	int listening;

	/* The data plane. */
	struct plane plane;
	struct services services;
	struct slab heads; /* blocks of clients */
};

/* Makes all of it; false: a check has failed, and the program ends without stage_close. */
bool stage_open(struct stage *s);
void stage_close(struct stage *s);

/* Its backends are as at the beginning, and no connection to them is kept. */
void stage_forget(struct stage *s);

/* Its only service. */
struct service *stage_service(struct stage *s);

/* The parts of exchange_test. */
void exchange_answer_tests(struct stage *s);
void exchange_port_tests(struct stage *s);
void exchange_relay_tests(struct stage *s);
void exchange_retry_tests(struct stage *s);
void exchange_upload_tests(struct stage *s);

#endif
