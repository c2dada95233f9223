/*
 * A worker process: the data plane. It loads the bytes that the agent kept, and serves the
 * listening sockets of its slot.
 */
#ifndef NEAP_APP_WORKER_H
#define NEAP_APP_WORKER_H

/* ward: one of the generation's workers. Returns the exit status. */
int worker_main(void *ward, int channel);

#endif
