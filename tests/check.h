/*
 * Checks by name for test programs: each says what holds; the failed ones are printed and counted.
 */
#ifndef NEAP_TESTS_CHECK_H
#define NEAP_TESTS_CHECK_H

#include <stdbool.h>

void check_case(const char *name); /* the checks that follow belong to it */
bool check(bool holds, const char *what);
int check_report(void); /* the exit status of the program */

#endif
