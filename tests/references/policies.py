"""Crop policies that between them hold every kind of part, and both roundings."""

PRESETS = (
    "rc",
    "rc_pad",
    "rrc",
    "gcc",
    "cgcc",
    "mgcc",
    "cmgcc",
    "simccrop",
    "ccrop",
    "jointcrop",
    "object",
    "emp",
)

VARIANTS = (
    "rc:scale=0.8,rounding=faithful",
    "rc_pad:scale=0.4,padding=0.5,border=reflect",
    "rc_pad:scale=0.4,border=truncate",
    "rrc:scale=0.08..1,center=gaussian,sigma=0.2,border=truncate",
    "rrc:scale=0.08..1,center=gaussian,sigma=0.2,border=clamp,rounding=faithful",
    "gcc:scale=0.4,alpha=1.5,border=recenter,rounding=faithful",
    "gcc:scale=0.4,sigma=0.2,border=truncate",
    "gcc:scale=0.4,sigma=0.2,border=reflect,mean=given",
    "mgcc:scale=0.4,alpha=1.5,mean=0.1..0.9,pair=independent,rounding=faithful",
    "rrc:pair=iou,iou=0.2..0.5,tries=8",
    "gcc:scale=0.3,pair=iou,iou=0..0,tries=20",
    "rrc:center=beta,a=3,box=0.1..0.6",
    "mgcc:scale=0.4,pair=shared+iou,iou=0.2..0.5,tries=8",
    "crop:extent=fixed,scale=0.5,center=gaussian,sigma=0.3,mean=given,border=clamp,region=object",
    "rrc:scale=0.5..1->0.2..1,over=10",
)

EVERY = PRESETS + VARIANTS
