// Activation patterns in the spellings that exporters write, and near misses.
#include "passes/pattern_cases.hpp"

namespace tenfold::test {
namespace {

const PatternCase kGates[] = {
    {"SiLU",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, b.op("Sigmoid", {x}));
     },
     "SiLU"},
    {"SiLUCommuted",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, b.op("Sigmoid", {x}), x);
     },
     "SiLU"},
    {"SiLUOfOther", [](Builder& b) { return mul(b, x4(b), b.op("Sigmoid", {x4(b)})); }, "Sigmoid Mul"},
    {"SiLUSharedGate",
     [](Builder& b) {
       const ValueId x = x4(b), s = b.op("Sigmoid", {x});
       return b.op("Sub", {mul(b, x, s), s});
     },
     "Sigmoid Mul Sub"},
    {"SiLUScaledGate",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, b.op("Sigmoid", {mul(b, x, 1.5f)}));
     },
     "Mul Sigmoid Mul"},
    {"Mish",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, b.op("Tanh", {b.op("Softplus", {x})}));
     },
     "Mish"},
    {"MishLog",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, b.op("Tanh", {b.op("Log", {add(b, b.op("Exp", {x}), 1)})}));
     },
     "Mish"},
    {"TanhGate",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, b.op("Tanh", {x}));
     },
     "Tanh Mul"},
    {"HardSwishGate",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, b.op("HardSigmoid", {x}, {{"alpha", 1.0f / 6}}));
     },
     "HardSwish"},
    {"HardSwishOtherSlope",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, b.op("HardSigmoid", {x}));
     },
     "HardSigmoid Mul"},
    {"HardSwishDivLast",
     [](Builder& b) {
       const ValueId x = x4(b);
       return div(b, mul(b, x, shifted_clip(b, x)), 6);
     },
     "HardSwish"},
    {"HardSwishMulLast",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, mul(b, shifted_clip(b, x), x), 1.0f / 6);
     },
     "HardSwish"},
    {"HardSwishDivGate",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, div(b, shifted_clip(b, x), 6));
     },
     "HardSwish"},
    {"HardSwishScaledInput",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, mul(b, x, 1.0f / 6), shifted_clip(b, x));
     },
     "HardSwish"},
    {"HardSwishMinMax",
     [](Builder& b) {
       const ValueId x = x4(b), low = b.op("Max", {add(b, x, 3), b.scalar(0)});
       return div(b, mul(b, x, b.op("Min", {low, b.scalar(6)})), 6);
     },
     "HardSwish"},
    {"HardSwishReluMin",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, div(b, b.op("Min", {b.scalar(6), b.op("Relu", {add(b, x, 3)})}), 6));
     },
     "HardSwish"},
    {"HardSwishOfProduct",  // x is itself a scaled value
     [](Builder& b) {
       const ValueId x = mul(b, x4(b), 2.0f);
       return div(b, mul(b, x, shifted_clip(b, x)), 6);
     },
     "Mul HardSwish"},
    {"HardSwishWrongScale",
     [](Builder& b) {
       const ValueId x = x4(b);
       return div(b, mul(b, x, shifted_clip(b, x)), 5);
     },
     "Add Clip Mul Div"},
    {"HardSwishWrongShift",
     [](Builder& b) {
       const ValueId x = x4(b);
       return div(b, mul(b, x, clip(b, add(b, x, 2), 0, 6)), 6);
     },
     "Add Clip Mul Div"},
    {"HardSigmoidDiv", [](Builder& b) { return div(b, shifted_clip(b, x4(b)), 6); }, "HardSigmoid"},
    {"HardSigmoidMul", [](Builder& b) { return mul(b, shifted_clip(b, x4(b)), 1.0f / 6); }, "HardSigmoid"},
    {"HardSigmoidLine", [](Builder& b) { return clip(b, add(b, mul(b, x4(b), 0.2f), 0.5f), 0, 1); },
     "HardSigmoid"},
    {"HardSigmoidNotOne", [](Builder& b) { return div(b, shifted_clip(b, x4(b)), 5); }, "Add Clip Div"},
    {"ClipAlone", [](Builder& b) { return clip(b, x4(b), 0, 1); }, "Clip"},
};
INSTANTIATE_TEST_SUITE_P(Gates, Pattern, testing::ValuesIn(kGates), pattern_name);

constexpr float kSqrt2 = 1.41421356f, kTanhScale = 0.79788456f;
ValueId erf_gate(Builder& b, ValueId x) { return add(b, b.op("Erf", {div(b, x, kSqrt2)}), 1); }
ValueId tanh_gate(Builder& b, ValueId u) { return add(b, b.op("Tanh", {u}), 1); }

const PatternCase kGelus[] = {
    {"GeluErfHalfLast",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, mul(b, x, erf_gate(b, x)), 0.5f);
     },
     "Gelu"},
    {"GeluErfHalfFirst",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, mul(b, x, 0.5f), erf_gate(b, x));
     },
     "Gelu"},
    {"GeluErfHalfGate",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, mul(b, erf_gate(b, x), 0.5f));
     },
     "Gelu"},
    {"GeluErfByMul",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, mul(b, x, 0.5f), add(b, b.op("Erf", {mul(b, x, 0.70710678f)}), 1));
     },
     "Gelu"},
    {"GeluErfOfProduct",
     [](Builder& b) {
       const ValueId x = mul(b, x4(b), 3.0f);
       return mul(b, mul(b, x, erf_gate(b, x)), 0.5f);
     },
     "Mul Gelu"},
    {"GeluErfNoHalf",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, x, erf_gate(b, x));
     },
     "Div Erf Add Mul"},
    {"GeluErfWrongRoot",
     [](Builder& b) {
       const ValueId x = x4(b);
       return mul(b, mul(b, x, 0.5f), add(b, b.op("Erf", {div(b, x, 1.5f)}), 1));
     },
     "Div Mul Erf Add Mul"},
    {"GeluTanhPow",
     [](Builder& b) {
       const ValueId x = x4(b), u = mul(b, b.op("Add", {x, mul(b, pow(b, x, 3), 0.044715f)}), kTanhScale);
       return mul(b, mul(b, x, 0.5f), tanh_gate(b, u));
     },
     "Gelu"},
    {"GeluTanhProducts",
     [](Builder& b) {
       const ValueId x = x4(b), cube = mul(b, mul(b, x, x), x);
       const ValueId u = mul(b, b.op("Add", {mul(b, cube, 0.044715f), x}), kTanhScale);
       return mul(b, mul(b, x, tanh_gate(b, u)), 0.5f);
     },
     "Gelu"},
    {"GeluTanhFactored",
     [](Builder& b) {
       const ValueId x = x4(b), square = add(b, mul(b, mul(b, x, x), 0.044715f), 1);
       return mul(b, mul(b, x, 0.5f), tanh_gate(b, mul(b, mul(b, x, kTanhScale), square)));
     },
     "Gelu"},
    {"GeluTanhWrongCubic",
     [](Builder& b) {
       const ValueId x = x4(b), u = mul(b, b.op("Add", {x, mul(b, pow(b, x, 3), 0.05f)}), kTanhScale);
       return mul(b, mul(b, x, 0.5f), tanh_gate(b, u));
     },
     "Pow Mul Mul Add Mul Tanh Add Mul"},
};
INSTANTIATE_TEST_SUITE_P(Gelus, Pattern, testing::ValuesIn(kGelus), pattern_name);

}  // namespace
}  // namespace tenfold::test
