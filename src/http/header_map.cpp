#include "http/header_map.hpp"

namespace wspush::http {

HeaderField HeaderMap::operator[](std::size_t index) const {
  const Place& place = places_[index];
  return {{base_ + place.name_begin, place.name_bytes},
          {base_ + place.value_begin, place.value_bytes}};
}

std::optional<std::string_view> HeaderMap::find(std::string_view name) const {
  for (std::size_t index = 0; index < size(); ++index) {
    if (is_named(index, name)) {
      return (*this)[index].value;
    }
  }
  return std::nullopt;
}

std::size_t HeaderMap::count(std::string_view name) const {
  std::size_t lines = 0;
  for_each(name, [&](std::string_view) { ++lines; });
  return lines;
}

bool HeaderMap::has_token(std::string_view name, std::string_view token) const {
  bool found = false;
  for_each_element(name, [&](std::string_view element) {
    found = found || equals_ignoring_case(element, token);
  });
  return found;
}

}  // namespace wspush::http
