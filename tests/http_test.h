/* The groups of http_test. */
#ifndef NEAP_TESTS_HTTP_TEST_H
#define NEAP_TESTS_HTTP_TEST_H

void test_h2_fields(void);
void test_h2_lines(void);
void test_h2_session(void);
void test_h2_abuse(void);
void test_h2_arena(void);

#endif
