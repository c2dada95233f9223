/* What the tests of the upstream room share. */
#ifndef NEAP_TESTS_UPSTREAM_SUPPORT_H
#define NEAP_TESTS_UPSTREAM_SUPPORT_H

#include "check.h"
#include "net/loop.h"

/* The parts of upstream_test. */
void upstream_h1_leg_tests(struct loop *l);

#endif
