/*
 * member_checks.h
 *		Reads what GET /v1/doctor says of a member: the node, and the checks that a restore needs.
 *
 * Pure. False with PROTOCOL when the answer has no node, or when a value is outside its grammar.
 */
#ifndef PGBR_CTL_FACTS_MEMBER_CHECKS_H
#define PGBR_CTL_FACTS_MEMBER_CHECKS_H

#include "ctl/facts/facts.h"

extern bool restore_facts_read_doctor(FactMember *member, const json_t *doctor, PgbrError *error);

#endif
