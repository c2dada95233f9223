/* Hashes that are not for secrets. */
#ifndef NEAP_SCRIPT_DIGEST_H
#define NEAP_SCRIPT_DIGEST_H

/* 32 bits of two numbers of 32 bits, as a number. */
double digest_pair(double a, double b);

#endif
