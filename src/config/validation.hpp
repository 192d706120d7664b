#pragma once

#include <string>
#include <vector>

#include "wspush/config/config.hpp"

#include "config/binder.hpp"
#include "config/fault_list.hpp"

// What no single row of the table can say: relations between keys.
namespace wspush::config {

/// Adds a fault for each relation that does not hold, at the place of the key that the operator
/// would change. Relations of keys that are faulty by themselves are passed over. Pure.
void validate(const Config& config, const GivenKeys& given, FaultList& faults);

/// Lines to be logged as warnings for a configuration that is valid: keys whose feature this
/// version lacks, rules that let nobody in, bounds that another bound hides. Pure.
std::vector<std::string> find_notices(const Config& config, const GivenKeys& given);

}  // namespace wspush::config
