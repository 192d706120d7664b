#include "server/internal_router.hpp"

namespace wspush::server {
namespace {

class InternalRouter final : public Router {
 public:
  explicit InternalRouter(api::ApiContext& context) : context_(context) {}

  Route route(door::UpgradeExchange& exchange) override {
    api::Route route = api::route(exchange, exchange.reply_to(0), context_);
    return {std::move(route.handler), route.replies};
  }

 private:
  api::ApiContext& context_;
};

}  // namespace

std::unique_ptr<Router> make_internal_router(api::ApiContext& context) {
  return std::make_unique<InternalRouter>(context);
}

}  // namespace wspush::server
