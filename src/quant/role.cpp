#include "quant/role.hpp"

#include <utility>

namespace tenfold::quant {
namespace {

constexpr std::pair<std::string_view, Role> kRoles[] = {{"Conv", Role::compute},
                                                        {"ConvTranspose", Role::compute},
                                                        {"MatMul", Role::compute},
                                                        {"Gemm", Role::compute},
                                                        {"Add", Role::combine},
                                                        {"Mul", Role::combine},
                                                        {"Sub", Role::table},
                                                        {"Div", Role::table},  // by a scalar constant only
                                                        {"Concat", Role::concat},
                                                        {"GlobalAveragePool", Role::average},
                                                        {"AveragePool", Role::average},
                                                        {"ReduceMean", Role::average},
                                                        {"GroupNormalization", Role::average},
                                                        {"InstanceNormalization", Role::average},
                                                        {"MaxPool", Role::movement},
                                                        {"GlobalMaxPool", Role::movement},
                                                        {"ReduceMax", Role::movement},
                                                        {"ReduceMin", Role::movement},
                                                        {"Resize", Role::movement},
                                                        {"Reshape", Role::movement},
                                                        {"Flatten", Role::movement},
                                                        {"Squeeze", Role::movement},
                                                        {"Unsqueeze", Role::movement},
                                                        {"Transpose", Role::movement},
                                                        {"Slice", Role::movement},
                                                        {"Split", Role::movement},
                                                        {"Identity", Role::movement},
                                                        {"DepthToSpace", Role::movement},
                                                        {"SpaceToDepth", Role::movement},
                                                        {"Pad", Role::movement},
                                                        {"Expand", Role::movement},
                                                        {"Gather", Role::movement},
                                                        {"Tile", Role::movement},
                                                        {"BatchNormalization", Role::table},
                                                        {"PRelu", Role::table},
                                                        {"Relu", Role::table},
                                                        {"Clip", Role::table},
                                                        {"LeakyRelu", Role::table},
                                                        {"Elu", Role::table},
                                                        {"Celu", Role::table},
                                                        {"Selu", Role::table},
                                                        {"Softsign", Role::table},
                                                        {"ThresholdedRelu", Role::table},
                                                        {"Sigmoid", Role::table},
                                                        {"HardSigmoid", Role::table},
                                                        {"HardSwish", Role::table},
                                                        {"SiLU", Role::table},
                                                        {"Gelu", Role::table},
                                                        {"GeluTanh", Role::table},
                                                        {"Tanh", Role::table},
                                                        {"Mish", Role::table},
                                                        {"Softplus", Role::table},
                                                        {"Erf", Role::table},
                                                        {"Exp", Role::table},
                                                        {"Abs", Role::table},
                                                        {"Neg", Role::table},
                                                        {"Sqrt", Role::table},
                                                        {"Square", Role::table}};

}  // namespace

Role role_of(std::string_view op) {
  for (const auto& [name, role] : kRoles)
    if (name == op) return role;
  return Role::none;
}

}  // namespace tenfold::quant
