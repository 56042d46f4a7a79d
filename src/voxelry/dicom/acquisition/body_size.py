"""What standardized uptake values are normalized by in place of body weight: lean body mass, and body surface area."""

from __future__ import annotations

from typing import Literal, TypeAlias

Sex: TypeAlias = Literal["F", "M"]
_CENTIMETRES = 100.0
_JAMES = {"M": (1.10, 128.0), "F": (1.07, 148.0)}
_JANMAHASATIAN = {"M": (6680.0, 216.0), "F": (8780.0, 244.0)}


def lean_mass_of_janmahasatian(weight: float, height: float, sex: Sex) -> float:
    """Lean body mass, kg.

    Parameters
    ----------
    weight
        Body weight, kg.
    height
        Metres: the formula has the body mass index in it, which is kg/m2.

    References
    ----------
    Janmahasatian and others, Clinical Pharmacokinetics 44 (2005) 1051; PS3.16 CID 85, SUVlbm(Janma)
    """
    fixed, by_index = _JANMAHASATIAN[sex]
    return 9270.0 * weight / (fixed + by_index * weight / height**2)


def lean_mass_of_james(weight: float, height: float, sex: Sex) -> float:
    """Lean body mass, kg; 0 or less of heavy people, for whom the formula does not hold.

    Of men with 128 as James wrote it, not with 120, which later authors copied wrongly.

    Parameters
    ----------
    weight, height
        Body weight in kg, and height in metres.

    References
    ----------
    James and Waterlow, Research on Obesity (1976); PS3.16 CID 85, SUVlbm(James128)
    """
    by_weight, by_square = _JAMES[sex]
    return by_weight * weight - by_square * (weight / (_CENTIMETRES * height)) ** 2


def surface_of_du_bois(weight: float, height: float) -> float:
    """Body surface area, m2.

    Parameters
    ----------
    weight, height
        Body weight in kg, and height in metres.

    References
    ----------
    Du Bois and Du Bois, Archives of Internal Medicine 17 (1916) 863; PS3.16 CID 85, SUVbsa
    """
    return float(0.007184 * weight**0.425 * (_CENTIMETRES * height) ** 0.725)
