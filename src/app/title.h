/*
 * What `ps` shows of a process: written over the memory in which the kernel put the command line
 * and the environment, which are copied away first.
 */
#ifndef NEAP_APP_TITLE_H
#define NEAP_APP_TITLE_H

#include "base/cc.h"

/*
 * First thing in main. Returns the copy of argv to go on with, argv itself when there is no memory
 * (then titles are not set). It lives as long as the process.
 */
char **title_init(int argc, char **argv);

/* "neap: master" with the command line's words behind it. */
void title_set_master(char *const *argv);

void title_set(const char *format, ...) printf_like(1, 2);

#endif
