/*
 * What the tests of the net room share: a loop that never hangs, connected pairs, counted system
 * calls.
 */
#ifndef NEAP_TESTS_NET_SUPPORT_H
#define NEAP_TESTS_NET_SUPPORT_H

#include "check.h"
#include "net/loop.h"
#include "net/sock.h"

/* The parts of net_test. */
void net_loop_tests(struct loop *l);
void net_timer_tests(struct loop *l);
void net_stream_tests(struct loop *l);
void net_memory_tests(struct loop *l);
void net_open_tests(struct loop *l);
void net_listener_tests(struct loop *l);
void net_bind_tests(void);
void net_dial_tests(struct loop *l);
void net_dns_tests(struct loop *l);
void net_ping_tests(void);
void net_tls_tests(struct loop *l);
void net_tls_source_tests(void);
struct tls_context;
void net_tls_parts_tests(struct loop *l, struct tls_context *server); /* of net_tls_tests */

/* Runs the loop until *done is not 0; false (a failed check) after ten seconds. */
bool run_until(struct loop *l, const int *done);

/* One turn of the loop without sleeping. */
void run_turn(struct loop *l);

/* One turn that has no reason to sleep; a failed check if it does. */
void run_one(struct loop *l);

/* How often libev has called epoll_ctl so far. */
unsigned epoll_ctls(void);

/* Two non-blocking ends of a connection. */
void pair_unix(int fds[2]);
void pair_tcp(int fds[2]);

/* A blocking-free TCP socket that listens on 127.0.0.1, its address in *a. */
int listen_local(struct addr *a, int backlog);

bool fd_is_open(int fd);
int fd_lowest_free(void);

#endif
