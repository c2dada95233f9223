/*
 * What `ps` shows of a process. It is written over the memory in which the kernel put the command
 * line and the environment, which are copied away first.
 */
#ifndef NEAP_FLEET_TITLE_H
#define NEAP_FLEET_TITLE_H

#include "base/cc.h"

/*
 * The first call in main. Returns the copy of argv to go on with, which lives as long as the
 * process; argv itself when there is no memory, and then titles are not set.
 */
char **title_init(int argc, char **argv);

/* Sets "neap: master" and the command line's words after it. */
void title_set_master(char *const *argv);

/* Sets the title, cut to the room that there is. */
void title_set(const char *format, ...) printf_like(1, 2);

#endif
