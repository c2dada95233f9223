/*
 * The pid file. It has our pid in it, and is locked as long as we live, so that a second instance
 * is refused.
 */
#ifndef NEAP_FLEET_PID_FILE_H
#define NEAP_FLEET_PID_FILE_H

#include "base/err.h"

struct pid_file {
	int fd; /* -1: none */
	char path[256];
};

/*
 * Creates or takes over the file. No symbolic link is followed, and a file that somebody else made
 * is not touched. ERR_LIMIT: another process has it locked (its pid is in the text).
 */
enum err pid_file_open(struct pid_file *p, const char *path, struct error *e);

/* Lets go of it, and leaves it there for the next process. */
void pid_file_release(struct pid_file *p);

/* Takes the file away, unless another instance has made its own there. Harmless without one. */
void pid_file_close(struct pid_file *p);

#endif
